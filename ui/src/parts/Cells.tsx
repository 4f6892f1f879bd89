/** A plain table with a heading; cells from column `numbers` on stand right. On a telephone each row is a card. */
import type { ReactNode } from 'react';
import look from './cells.module.css';
import table from './table.module.css';

interface CellsProps {
  title: string;
  /** Shown over the table, or only said to those who do not see where it stands. */
  heading?: boolean;
  heads: readonly string[];
  numbers: number;
  none: string;
  rows: readonly { key: string; cells: readonly ReactNode[] }[];
}

export function Cells({ title, heading = true, heads, numbers, none, rows }: CellsProps) {
  const side = (place: number): string | undefined => (place >= numbers ? look.number : undefined);
  return (
    <section className={look.section}>
      {heading && <h2 className={look.subtitle}>{title}</h2>}
      {rows.length === 0 && <p className={look.note}>{none}</p>}
      {rows.length > 0 && (
        <div className={table.scroll} role="region" aria-label={title} tabIndex={0}>
          <table className={`${table.table} ${look.cells}`}>
            <thead>
              <tr>
                {heads.map((head, place) => (
                  <th key={head} scope="col" className={side(place)}>
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.key}>
                  {row.cells.map((cell, place) => (
                    <td key={heads[place]} className={side(place)} data-name={heads[place]}>
                      {cell}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
