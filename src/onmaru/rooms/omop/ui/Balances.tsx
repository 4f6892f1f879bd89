/** What came in of each resource type, and where it went. */
import { Cells, useFormat, useT } from '@shell';
import type { Balance } from './data';

export function Balances({ rows }: { rows: readonly Balance[] }) {
  const t = useT();
  const format = useFormat();
  const heads = ['type', 'resources', 'rows', 'mapped', 'unmapped.rows', 'dropped'];
  const dropped = (row: Balance): string =>
    Object.entries(row.dropped)
      .map(([reason, count]) => `${t(`omop.dropped.${reason}`)} ${format.number(count)}`)
      .join(', ') || '0';
  return (
    <Cells
      title={t('omop.balance')}
      heads={heads.map((name) => t(`omop.${name}`))}
      numbers={1}
      none={t('omop.none')}
      rows={rows.map((row) => ({
        key: row.type,
        cells: [
          row.type,
          format.number(row.resources),
          format.number(row.rows),
          format.number(row.mapped),
          format.number(row.unmapped),
          dropped(row),
        ],
      }))}
    />
  );
}
