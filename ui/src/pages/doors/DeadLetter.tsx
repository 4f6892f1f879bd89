/** One message that could not be taken: read it safely, mend it, send it in again. */
import { Button, Textarea } from '@mantine/core';
import { IconChevronLeft, IconDeviceFloppy, IconPencil, IconRefresh } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { Link, useParams } from 'react-router';
import { api } from '../../net/client';
import type { Outcome, Problem } from '../../net/outcome';
import { useLoad } from '../../net/useLoad';
import { Notice } from '../../parts/Notice';
import { ProblemView } from '../../parts/ProblemView';
import { State, useKnown } from '../../parts/State';
import { useTitle } from '../../parts/useTitle';
import { Waiting } from '../../parts/Waiting';
import { useFormat } from '../../words/format';
import { useLanguage, useT } from '../../words/words';
import page from '../pages.module.css';
import look from './doors.module.css';
import { fromEditor, type Letter, letterTones, lineEnd, toEditor, visible } from './letter';

interface Whole extends Letter {
  text: string;
}

export default function DeadLetter() {
  const t = useT();
  const id = encodeURIComponent(useParams()['letter'] ?? '');
  const path = `/api/dead-letters/${id}`;
  const { value, problem, reload } = useLoad<Whole>(path);
  const language = useLanguage();
  const told = useRef(language);
  useEffect(() => {
    if (told.current !== language) reload(); // why it was refused is told in the reader's language
    told.current = language;
  }, [language, reload]);
  useTitle(t('dead.one'));
  return (
    <div className={page.page}>
      <header className={page.head}>
        <Link to="/doors" className={page.back}>
          <IconChevronLeft size={16} aria-hidden /> {t('doors.title')}
        </Link>
        <h1 className={page.title}>{t('dead.one')}</h1>
        {value && <State family="dead.state" code={value.state} tone={letterTones[value.state] ?? 'plain'} />}
      </header>
      {problem && <ProblemView problem={problem} retry={reload} />}
      {!value && !problem && <Waiting />}
      {value && (
        <>
          <Facts letter={value} />
          <Mending key={value.text} letter={value} path={path} reload={reload} />
        </>
      )}
    </div>
  );
}

function Facts({ letter }: { letter: Letter }) {
  const t = useT();
  const format = useFormat();
  const known = useKnown();
  const facts = [
    ['dead.reason', letter.reason || t('dead.unexplained')],
    ['dead.where', letter.where],
    ['dead.at', format.dateTime(letter.at, true)],
    ['dead.door', `${letter.door} · ${known('door.format', letter.format)}`],
    ['dead.size', `${format.number(letter.size)} B`],
  ] as const;
  return (
    <dl className={look.facts}>
      {facts.map(([key, value]) => (
        <div key={key}>
          <dt>{t(key)}</dt>
          <dd>{value || '–'}</dd>
        </div>
      ))}
    </dl>
  );
}

type Result = { tone: 'good' | 'alert'; text: string };

function Mending({ letter, path, reload }: { letter: Whole; path: string; reload: () => void }) {
  const t = useT();
  const known = useKnown();
  const [draft, setDraft] = useState<string | null>(null);
  const [busy, setBusy] = useState('');
  const [result, setResult] = useState<Result | null>(null);
  const closed = letter.state !== 'open';

  const failed = (problem: Problem): Result => ({ tone: 'alert', text: problem.text || t(`problem.${problem.kind}`) });
  const act = async <T,>(name: string, asked: Promise<Outcome<T>>, told: (value: T) => Result): Promise<void> => {
    setBusy(name);
    const outcome = await asked;
    setBusy('');
    setResult(outcome.ok ? told(outcome.value) : failed(outcome.problem));
    if (!outcome.ok) return;
    setDraft(null);
    reload();
  };
  const save = (): Promise<void> =>
    act('save', api.put(path, { text: fromEditor(draft ?? '', lineEnd(letter.text)) }), () => ({ tone: 'good', text: t('dead.saved') }));
  const replay = (): Promise<void> =>
    act<{ state: string; reason?: string }>('replay', api.post(`${path}/replay`), ({ state, reason }) =>
      state === 'open'
        ? { tone: 'alert', text: t('dead.refused', { reason: reason || t('dead.unexplained') }) }
        : { tone: 'good', text: t('dead.taken', { state: known('dead.state', state) }) },
    );

  return (
    <>
      {result && (
        <Notice tone={result.tone} title={result.text} onClose={() => setResult(null)} />
      )}
      {draft === null ? (
        <pre className={look.raw} tabIndex={0} role="region" aria-label={t('dead.text')}>
          {visible(toEditor(letter.text))}
        </pre>
      ) : (
        <Textarea label={t('dead.text')} description={t('dead.text.hint')} classNames={{ input: look.editor ?? '' }} value={draft} onChange={(event) => setDraft(event.currentTarget.value)} rows={18} wrap="off" spellCheck={false} autoFocus />
      )}
      <div className={look.row}>
        {draft === null ? (
          <>
            <Button leftSection={<IconRefresh size={17} />} loading={busy === 'replay'} disabled={closed} onClick={() => void replay()}>
              {t('dead.replay')}
            </Button>
            <Button variant="default" leftSection={<IconPencil size={17} />} disabled={closed} onClick={() => setDraft(toEditor(letter.text))}>
              {t('dead.mend')}
            </Button>
          </>
        ) : (
          <>
            <Button leftSection={<IconDeviceFloppy size={17} />} loading={busy === 'save'} disabled={draft === toEditor(letter.text)} onClick={() => void save()}>
              {t('dead.save')}
            </Button>
            <Button variant="default" onClick={() => setDraft(null)}>
              {t('cancel')}
            </Button>
          </>
        )}
      </div>
    </>
  );
}
