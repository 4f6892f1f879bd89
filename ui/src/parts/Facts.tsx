/** Names and values beside one another, as many columns as there is room for. */
import { Fragment, type ReactNode } from 'react';
import look from './facts.module.css';

export type FactRow = readonly [name: string, value: ReactNode];

export function Facts({ rows }: { rows: readonly FactRow[] }) {
  return (
    <dl className={look.facts}>
      {rows.map(([name, value]) => (
        <Fragment key={name}>
          <div>
            <dt>{name}</dt>
            <dd>{value === '' || value === null || value === undefined ? '–' : value}</dd>
          </div>
        </Fragment>
      ))}
    </dl>
  );
}
