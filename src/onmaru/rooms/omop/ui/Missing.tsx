/** The codes without a standard concept, each with a way to decide what it means. */
import { Button } from '@mantine/core';
import { Cells, useFormat, useT } from '@shell';
import { useState } from 'react';
import { Deciding } from './Deciding';
import type { Unmapped } from './data';

export function Missing({ rows, onDecided }: { rows: readonly Unmapped[]; onDecided: () => void }) {
  const t = useT();
  const format = useFormat();
  const [chosen, setChosen] = useState<Unmapped | null>(null);
  const heads = ['table', 'system', 'code', 'label', 'reason', 'rows', 'decide'];
  return (
    <>
      <Cells
        title={t('omop.unmapped')}
        heads={heads.map((head) => t(`omop.${head}`))}
        numbers={5}
        none={t('omop.allmapped')}
        rows={rows.map((row) => ({
          key: `${row.table} ${row.system} ${row.code}`,
          cells: [
            row.table,
            row.system || t('omop.uncoded'),
            row.code,
            row.label || row.concept_name || '',
            t(`omop.reason.${row.reason}`),
            format.number(row.rows),
            !OWN.has(row.system) && (
              <Button key="decide" size="compact-sm" variant="default" aria-label={t('omop.decide.of', { code: row.code })} onClick={() => setChosen(row)}>
                {t('omop.decide')}
              </Button>
            ),
          ],
        }))}
      />
      {chosen && (
        <Deciding
          of={chosen}
          onClose={() => setChosen(null)}
          onDecided={() => {
            setChosen(null);
            onDecided();
          }}
        />
      )}
    </>
  );
}

/** Elements whose codes FHIR fixes: their concepts come with the room. */
const OWN: ReadonlySet<string> = new Set(['Encounter.class', 'Patient.gender']);
