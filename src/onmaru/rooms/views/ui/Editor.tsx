/** ViewDefinition JSON, checked as it is written; its SQL, and its rows when they are asked for. */
import { api, Notice, type Outcome, type Problem, ProblemNote, useT, useTitle } from '@shell';
import { useCallback, useEffect, useState } from 'react';
import { type Checked, FIRST, FORMATS, type Preview } from './data';
import { Downloads, Problems, Rows, Sql } from './Parts';
import look from './views.module.css';

const WAIT_MS = 400;

export default function Editor() {
  const t = useT();
  const [text, setText] = useState(FIRST);
  const [checked, setChecked] = useState<Checked | null>(null);
  const [preview, setPreview] = useState<Preview | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  useTitle(t('views.title'));

  useEffect(() => {
    const leaving = new AbortController();
    const timer = setTimeout(async () => {
      const answer = await api.post<Checked>('/rooms/views/check', text, { signal: leaving.signal });
      if (leaving.signal.aborted) return;
      if (answer.ok) setChecked(answer.value);
      setProblem(answer.ok ? null : answer.problem);
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [text]);

  const show = useCallback(async () => {
    setBusy(true);
    const answer: Outcome<Preview> = await api.post<Preview>('/rooms/views/preview', text);
    setBusy(false);
    setPreview(answer.ok ? answer.value : null);
    setProblem(answer.ok ? null : answer.problem);
  }, [text]);

  const sound = checked !== null && checked.issues.length === 0;
  return (
    <div className={look.page}>
      <h1 className={look.title}>{t('views.title')}</h1>
      <p className={look.note}>{t('views.note')}</p>
      <div className={look.sides}>
        <section className={look.section}>
          <label className={look.label} htmlFor="views-definition">
            {t('views.definition')}
          </label>
          <textarea
            id="views-definition"
            className={look.text}
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <div className={look.acts}>
            <button type="button" className={look.act} disabled={!sound || busy} onClick={show}>
              {t('views.show')}
            </button>
            <Downloads text={text} formats={FORMATS} disabled={!sound || busy} failed={setProblem} />
          </div>
        </section>
        <section className={look.section} aria-live="polite">
          {problem && <ProblemNote problem={problem} />}
          {checked && <Problems checked={checked} />}
          {sound && <Notice tone="good" title={t('views.sound')}>{t('views.columns', { n: checked.columns?.length ?? 0 })}</Notice>}
          {checked?.sql && <Sql sql={checked.sql} />}
        </section>
      </div>
      {preview && <Rows preview={preview} />}
    </div>
  );
}
