/** A plain table; the first cell of a row names it, the others stand right. It scrolls sideways inside itself. */
import look from './lines.module.css';

interface LinesProps {
  title: string;
  /** What of, where a page has several tables of one title: said to those who do not see which stands below which. */
  of?: string;
  heads: readonly string[];
  rows: readonly (readonly string[])[];
}

export function Lines({ title, of = '', heads, rows }: LinesProps) {
  return (
    <section className={look.section}>
      <h3 className={look.subtitle}>{title}</h3>
      <div className={look.scroll} role="region" aria-label={of ? `${of}: ${title}` : title} tabIndex={0}>
        <table className={look.table}>
          <thead>
            <tr>{heads.map((head, place) => <th key={place} scope="col">{head}</th>)}</tr>
          </thead>
          <tbody>
            {rows.map((row, line) => (
              <tr key={line}>
                {row.map((cell, place) => (place === 0 ? <th key={place} scope="row">{cell}</th> : <td key={place}>{cell}</td>))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
