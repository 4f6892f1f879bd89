/** A table of things: the first column names each one, and on a telephone every row is a card (table.module.css). */
import type { ReactNode } from 'react';
import look from './table.module.css';

export interface Column<T> {
  name: string;
  cell: (row: T) => ReactNode;
  /** How it is set: digits to the right, one line, letters of one width, or buttons, which need no name on a card. */
  kind?: 'number' | 'line' | 'mono' | 'acts';
}

export interface TableProps<T> {
  title: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** Said instead of an empty table. */
  none: string;
}

const kinds = { number: look.number, line: look.nowrap, mono: 'mono', acts: look.nowrap } as const;

export function Table<T>({ title, columns, rows, keyOf, none }: TableProps<T>) {
  if (rows.length === 0) return <p className={look.none}>{none}</p>;
  return (
    <div className={look.scroll} role="region" aria-label={title} tabIndex={0}>
      <table className={look.table}>
        <caption>{title}</caption>
        <thead>
          <tr>
            {columns.map(({ name, kind }) => (
              <th key={name} scope="col" className={kind === 'number' ? look.number : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ name, kind, cell }, n) =>
                n === 0 ? (
                  <th key={name} scope="row">
                    {cell(row)}
                  </th>
                ) : (
                  <td key={name} data-name={kind === 'acts' ? '' : name} className={kind && kinds[kind]}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
