/** A table's name, in letters, digits and underscores; without a schema it is where the server looks first. */
export interface TableName {
  readonly schema?: string | undefined;
  readonly name: string;
}
