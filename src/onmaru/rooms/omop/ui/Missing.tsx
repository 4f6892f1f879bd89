/** The codes without a standard concept, each with a way to decide what it means. */
import { Button } from '@mantine/core';
import { useFormat, useT } from '@shell';
import { useState } from 'react';
import { Deciding } from './Deciding';
import type { Unmapped } from './data';
import look from './omop.module.css';

export function Missing({ rows, onDecided }: { rows: readonly Unmapped[]; onDecided: () => void }) {
  const t = useT();
  const format = useFormat();
  const [chosen, setChosen] = useState<Unmapped | null>(null);
  const heads = ['table', 'system', 'code', 'label', 'reason', 'rows', 'decide'];
  return (
    <section className={look.section}>
      <h2 className={look.subtitle}>{t('omop.unmapped')}</h2>
      {rows.length === 0 && <p className={look.note}>{t('omop.allmapped')}</p>}
      {rows.length > 0 && (
        <div className={look.scroll} role="region" aria-label={t('omop.unmapped')} tabIndex={0}>
          <table className={look.table}>
            <thead>
              <tr>
                {heads.map((head) => (
                  <th key={head} scope="col" className={head === 'rows' ? look.number : undefined}>
                    {t(`omop.${head}`)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={`${row.table} ${row.system} ${row.code}`}>
                  <td data-name={t('omop.table')}>{row.table}</td>
                  <td data-name={t('omop.system')}>{row.system || t('omop.uncoded')}</td>
                  <td data-name={t('omop.code')}>{row.code}</td>
                  <td data-name={t('omop.label')}>{row.label || row.concept_name || ''}</td>
                  <td data-name={t('omop.reason')}>{t(`omop.reason.${row.reason}`)}</td>
                  <td data-name={t('omop.rows')} className={look.number}>
                    {format.number(row.rows)}
                  </td>
                  <td data-name={t('omop.decide')}>
                    {!OWN.has(row.system) && (
                      <Button size="compact-sm" variant="default" aria-label={t('omop.decide.of', { code: row.code })} onClick={() => setChosen(row)}>
                        {t('omop.decide')}
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
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
    </section>
  );
}

/** Elements whose codes FHIR fixes: their concepts come with the room. */
const OWN: ReadonlySet<string> = new Set(['Encounter.class', 'Patient.gender']);
