/** A table's name, in letters, digits and underscores; without a schema, the server looks in its default one. */
export interface TableName {
  readonly schema?: string | undefined;
  readonly name: string;
}
