/** A plain table of words and figures: the first column names the row. It scrolls by itself where the page is narrow. */
import look from './models.module.css';

export function Grid({ title, heads, rows }: { title: string; heads: readonly string[]; rows: readonly (readonly string[])[] }) {
  return (
    <div className={look.scroll} role="region" aria-label={title} tabIndex={0}>
      <table className={look.grid}>
        <caption>{title}</caption>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, ...others], row) => (
            <tr key={row}>
              <th scope="row">{name}</th>
              {others.map((cell, place) => (
                <td key={place}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
