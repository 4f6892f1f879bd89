/** The rows that violate a check, each with the message that brought it. */
import { Button } from '@mantine/core';
import { api, Cells, Dialog, type Problem, ProblemNote, ProblemView, useFormat, useLoad, useT, Waiting } from '@shell';
import { useEffect, useState } from 'react';
import { messageText, type Row } from './data';
import look from './quality.module.css';

export function Rows({ path }: { path: string }) {
  const t = useT();
  const format = useFormat();
  const [opened, setOpened] = useState<Row | null>(null);
  const found = useLoad<{ rows: readonly Row[] }>(`${path}/rows`);
  if (found.problem?.status === 422) return <p className={look.note}>{t('quality.grouped')}</p>;
  if (found.problem) return <ProblemView problem={found.problem} retry={found.reload} />;
  if (!found.value) return <Waiting />;
  return (
    <>
      <Cells
        title={t('quality.rows')}
        heads={['source', 'value', 'sender', 'sent', 'message'].map((name) => t(`quality.${name}`))}
        numbers={5}
        none={t('quality.norows')}
        rows={found.value.rows.map((row, place) => ({
          key: `${place}`,
          cells: [
            <span key="source" className={look.id}>{`${row.source} v${row.version}`}</span>,
            row.value ?? '–',
            row.sender || t('quality.nobody'),
            row.sent ? format.dateTime(row.sent) : '–',
            row.message ? (
              <Button key="message" size="compact-sm" variant="default" onClick={() => setOpened(row)}>
                {row.kind ?? ''} {row.control ?? ''}
              </Button>
            ) : (
              t('quality.nomessage')
            ),
          ],
        }))}
      />
      {opened?.message && <Message row={opened} onClose={() => setOpened(null)} />}
    </>
  );
}

function Message({ row, onClose }: { row: Row; onClose: () => void }) {
  const t = useT();
  const [text, setText] = useState<string | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    void api.get<Parameters<typeof messageText>[0]>(`/fhir/${row.message}`).then((outcome) => {
      if (outcome.ok) setText(messageText(outcome.value) ?? t('quality.elsewhere'));
      else setProblem(outcome.problem);
    });
  }, [row.message, t]);
  return (
    <Dialog opened onClose={onClose} size="xl" title={t('quality.open', { control: row.control ?? '' })}>
      {problem && <ProblemNote problem={problem} />}
      {text === null && !problem && <Waiting />}
      {text !== null && (
        <pre className={look.code} tabIndex={0}>
          {text}
        </pre>
      )}
    </Dialog>
  );
}
