/** What the routes of the room answer, and the definition that the editor begins with. */
export interface Issue {
  at: string;
  text: string;
}

export interface Column {
  name: string;
  type: string;
  many: boolean;
}

export interface Checked {
  issues: readonly Issue[];
  columns?: readonly Column[];
  warnings?: readonly string[];
  sql?: Readonly<Record<string, string>>;
}

export interface Preview {
  t: number;
  columns: readonly Column[];
  rows: readonly Readonly<Record<string, unknown>>[];
}

export const FORMATS = ['csv', 'parquet', 'ndjson', 'arrow', 'json'] as const;

export const FIRST = `{
  "resourceType": "ViewDefinition",
  "name": "patients",
  "status": "draft",
  "resource": "Patient",
  "select": [
    {
      "column": [
        { "name": "id", "path": "getResourceKey()", "type": "string" },
        { "name": "gender", "path": "gender", "type": "code" },
        { "name": "birth_date", "path": "birthDate", "type": "date" }
      ]
    },
    {
      "forEachOrNull": "name.first()",
      "column": [{ "name": "family", "path": "family", "type": "string" }]
    }
  ]
}
`;

/** A value as a cell shows it: lists and groups as JSON, nothing for what is not there. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Columns and the words for them: a list of a type is `type[]`. */
export function typed(column: Column): string {
  return column.many ? `${column.type || '?'}[]` : column.type;
}
