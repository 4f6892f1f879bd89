/** What one source code may mean: candidates by code, text and jamo; a person chooses one, or says that none fits. */
import { Button, TextInput } from '@mantine/core';
import { api, Cells, Dialog, ProblemNote, ProblemView, useFormat, useLoad, useT, Waiting } from '@shell';
import { type FormEvent, useState } from 'react';
import type { Candidate, Unmapped } from './data';
import look from './omop.module.css';

interface DecidingProps {
  of: Unmapped;
  onClose: () => void;
  onDecided: () => void;
}

export function Deciding({ of, onClose, onDecided }: DecidingProps) {
  const t = useT();
  const said = of.label || of.concept_name || of.code;
  const [words, setWords] = useState(said);
  const [asked, setAsked] = useState(said);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Parameters<typeof ProblemNote>[0]['problem'] | null>(null);
  const found = useLoad<{ items: readonly Candidate[] }>('/rooms/omop/mapping/candidates', { code: of.code, label: asked });

  const decide = async (choice: Candidate | null): Promise<void> => {
    setBusy(true);
    const outcome = await api.post('/rooms/omop/mapping/decisions', {
      system: of.system,
      code: of.code,
      label: of.label ?? '',
      concept: choice?.concept ?? null,
      name: choice?.name ?? '',
    });
    setBusy(false);
    if (outcome.ok) onDecided();
    else setRefused(outcome.problem);
  };
  const look_up = (event: FormEvent): void => {
    event.preventDefault();
    setAsked(words);
  };
  return (
    <Dialog opened onClose={onClose} size="xl" title={t('omop.decide.of', { code: of.code })}>
      <div className={look.section}>
        <form className={look.asking} onSubmit={look_up}>
          <TextInput label={t('omop.decide.words')} value={words} onChange={(event) => setWords(event.currentTarget.value)} />
          <Button type="submit" variant="default">
            {t('omop.decide.search')}
          </Button>
        </form>
        {refused && <ProblemNote problem={refused} />}
        {found.problem && <ProblemView problem={found.problem} retry={found.reload} />}
        {!found.value && !found.problem && <Waiting />}
        {found.value && <Candidates rows={found.value.items} busy={busy} choose={(choice) => void decide(choice)} />}
        <Button variant="default" disabled={busy} onClick={() => void decide(null)}>
          {t('omop.decide.none')}
        </Button>
        <p className={look.note}>{t('omop.decide.note')}</p>
      </div>
    </Dialog>
  );
}

function Candidates({ rows, busy, choose }: { rows: readonly Candidate[]; busy: boolean; choose: (choice: Candidate) => void }) {
  const t = useT();
  const format = useFormat();
  return (
    <Cells
      title={t('omop.decide.candidates')}
      heading={false}
      heads={['concept', 'vocabulary', 'domain', 'likeness', 'decide'].map((head) => t(`omop.${head}`))}
      numbers={5}
      none={t('omop.decide.empty')}
      rows={rows.map((row) => ({
        key: String(row.concept),
        cells: [
          `${row.name} (${row.concept})`,
          `${row.vocabulary} ${row.code}`,
          row.domain,
          row.same ? t('omop.decide.same') : `${format.number(Math.round(row.score * 100))} %`,
          <Button key="take" size="compact-sm" disabled={busy} aria-label={t('omop.decide.choose', { name: row.name })} onClick={() => choose(row)}>
            {t('omop.decide.take')}
          </Button>,
        ],
      }))}
    />
  );
}
