/** A model card as it was written: headings, paragraphs, lists and tables of the little Markdown that cards use. */
import type { ReactNode } from 'react';
import { Grid } from './Grid';
import { cells } from './models';
import look from './models.module.css';

export function Cards({ text }: { text: string }) {
  return <div className={look.card}>{text.split(/\n{2,}/).map((block, place) => <Block key={place} block={block.trim()} />)}</div>;
}

function Block({ block }: { block: string }): ReactNode {
  const heading = /^(#{1,3}) (.*)$/.exec(block);
  if (heading) return heading[1]?.length === 3 ? <h4>{heading[2]}</h4> : <h3>{heading[2]}</h3>;
  const lines = block.split('\n');
  if (block.startsWith('|')) {
    const [heads = [], ...rows] = cells(lines);
    return <Grid title={heads.join(', ')} heads={heads} rows={rows} />;
  }
  if (block.startsWith('- ')) {
    return (
      <ul>
        {lines.map((line) => (
          <li key={line}>{line.slice(2)}</li>
        ))}
      </ul>
    );
  }
  return <p>{block.split('**').map((part, place) => (place % 2 ? <strong key={place}>{part}</strong> : part))}</p>;
}
