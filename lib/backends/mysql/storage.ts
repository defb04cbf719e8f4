import type { TableName } from "../../ledger/table_name.ts";
import type { Dialect } from "../sql/dialect.ts";
import { join, sql, type Statement, word } from "../sql/statement.ts";
import { decodeText, shownTable } from "./table_sql.ts";

/** Engines that lose all rows when the server restarts, or at once. */
const FORGETFUL = ["MEMORY", "HEAP", "BLACKHOLE"];

/** How a table stores its rows. */
export interface TableStorage extends Required<Pick<Dialect, "whyVolatile" | "storageBelow">> {
  readonly storage: Statement;
}

/** The condition that selects a table in the tables of information_schema. */
export function isTable({ schema, name }: TableName): Statement {
  return sql`TABLE_SCHEMA = ${schema ?? sql`DATABASE()`} AND TABLE_NAME = ${name}`;
}

/**
 * How to find out whether a table keeps its rows.
 *
 * @param flag The flag that names another table.
 * @param consequence What happens if it does not.
 */
export function storageOf(table: TableName, flag: string, consequence: string): TableStorage {
  const place = isTable(table);
  return {
    storage: sql`(SELECT HEX(CONCAT(TABLE_TYPE, ' ', IFNULL(ENGINE, ''))) FROM information_schema.TABLES
      WHERE ${place})`,
    whyVolatile(storage) {
      const [, type, engine = ""] = /^(.*) (.*)$/.exec(decodeText(storage) ?? "") ?? [];
      if (type === "TEMPORARY") {
        return { what: "the table is temporary, and ends with the session", cure: `name another one with ${flag}` };
      }
      if (type === "VIEW") {
        return {
          what: "it is a view, and the user may not see whether the rows of its table are kept",
          cure: `grant the user SHOW VIEW on it, or name the table itself with ${flag}`,
        };
      }
      if (!FORGETFUL.includes(engine.toUpperCase())) return undefined;
      return {
        what: `the table keeps nothing (engine ${engine}), so ${consequence}`,
        cure: `ALTER TABLE ${shownTable(table)} ENGINE=InnoDB`,
      };
    },
    // Cannot look behind a view of a view, or a view whose definition the user may not read.
    storageBelow: (storage) =>
      decodeText(storage) !== "VIEW " ? undefined : sql`SELECT HEX(IF(COUNT(TABLE_NAME) = 0, 'VIEW ',
        MAX(IF(TABLE_TYPE = 'VIEW' OR ENGINE IN (${join(FORGETFUL.map((engine) => word(engine)))}),
          CONCAT(TABLE_TYPE, ' ', IFNULL(ENGINE, '')), NULL)))) AS storage
        FROM information_schema.TABLES JOIN (SELECT VIEW_DEFINITION AS definition FROM information_schema.VIEWS
          WHERE ${place}) viewed
        ON LOCATE(CONCAT('\`', TABLE_SCHEMA, '\`.\`', TABLE_NAME, '\`'), definition)`,
  };
}
