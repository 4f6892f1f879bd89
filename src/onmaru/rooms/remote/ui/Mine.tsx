/** A patient's own page: what is due now, a value to enter, a form to fill in. */
import { api, Notice, ProblemNote, useAct, useFormat, useLoad, useT, useTitle, Waiting } from '@shell';
import { Button, NativeSelect, TextInput, Textarea } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { answersOf, type Due, type Own, type Question, span } from './data';
import look from './remote.module.css';

export default function Mine() {
  const t = useT();
  const { value, problem, reload } = useLoad<{ at: number; plans: readonly Own[] }>('/rooms/remote/mine');
  useTitle(t('remote.mine'));
  return (
    <div className={look.page}>
      <h1 className={look.title}>{t('remote.mine')}</h1>
      {problem && <ProblemNote problem={problem} />}
      {!value && !problem && <Waiting />}
      {value && value.plans.length === 0 && <p className={look.quiet}>{t('remote.mine.none')}</p>}
      <Notice tone="info" title={t('remote.mine.emergency')} />
      {value?.plans.map((plan) => (
        <section key={plan.id} className={look.section} aria-label={plan.title}>
          <h2 className={look.subtitle}>{plan.title}</h2>
          {plan.activities.map((one) => (
            <Entry key={one.key} due={one} done={reload} />
          ))}
        </section>
      ))}
    </div>
  );
}

function Entry({ due, done }: { due: Due; done: () => void }) {
  const t = useT();
  const format = useFormat();
  const { busy, problem, act } = useAct();
  const [given, setGiven] = useState<Record<string, string>>({});
  const [sent, setSent] = useState(false);
  const came = due.now?.came ?? 0;
  const value = given['value']?.trim() ?? '';
  const ready = due.kind === 'measure' ? /^\d+(\.\d+)?$/.test(value) : filled(due.items, given);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const body = due.kind === 'measure' ? { values: [{ key: due.key, value }] } : { form: due.key, answers: answersOf(due.items, given) };
    void act(api.post('/rooms/remote/mine', body), () => {
      setGiven({});
      setSent(true);
      done();
    });
  };
  const set = (name: string, text: string): void => {
    setSent(false);
    setGiven((old) => ({ ...old, [name]: text }));
  };
  return (
    <form className={look.entry} data-done={came >= due.frequency} onSubmit={submit}>
      <h3 className={look.small}>{due.text}</h3>
      <p className={look.quiet}>{t('remote.mine.due', { n: due.frequency, every: t(`remote.hours.${span(due.every).unit}`, { n: span(due.every).n }), came })}</p>
      {due.kind === 'measure' && <TextInput label={[due.text, format.unit(due.unit)].filter(Boolean).join(' ')} inputMode="decimal" size="lg" value={value} maxLength={12} autoComplete="off" onChange={(event) => set('value', event.currentTarget.value)} />}
      {due.kind === 'form' && due.items.length === 0 && <Notice tone="warn" title={t('remote.mine.form')} />}
      {due.items.map((one) => (
        <Asked key={one.linkId} question={one} given={given} set={set} />
      ))}
      {problem && <ProblemNote problem={problem} />}
      {sent && <Notice tone="good" title={t('remote.mine.sent')} />}
      <Button type="submit" size="md" loading={busy} disabled={!ready}>{t('remote.mine.send')}</Button>
    </form>
  );
}

interface AskedProps {
  question: Question;
  given: Readonly<Record<string, string>>;
  set: (name: string, text: string) => void;
}

function Asked({ question, given, set }: AskedProps) {
  const t = useT();
  const { linkId, type } = question;
  const value = given[linkId] ?? '';
  const common = { label: question.text, value, withAsterisk: question.required, onChange: (event: { currentTarget: { value: string } }) => set(linkId, event.currentTarget.value) };
  const choices = type === 'boolean' ? [{ value: 'yes', label: t('remote.yes') }, { value: 'no', label: t('remote.no') }] : question.options.map((one) => ({ value: one, label: one }));
  return (
    <>
      {(type === 'display' || type === 'group') && <p className={look.ask}>{question.text}</p>}
      {(type === 'boolean' || type === 'choice') && <NativeSelect {...common} size="md" data={[{ value: '', label: '' }, ...choices]} />}
      {(type === 'integer' || type === 'decimal' || type === 'string') && <TextInput {...common} size="md" inputMode={type === 'string' ? 'text' : 'decimal'} autoComplete="off" maxLength={200} />}
      {type === 'text' && <Textarea {...common} size="md" autosize minRows={2} maxLength={2000} />}
      {question.items.map((one) => (
        <Asked key={one.linkId} question={one} given={given} set={set} />
      ))}
    </>
  );
}

function filled(items: readonly Question[], given: Readonly<Record<string, string>>): boolean {
  if (items.length === 0) return false;
  const whole = (one: Question): boolean => (!one.required || one.type === 'group' || one.type === 'display' || (given[one.linkId] ?? '').trim() !== '') && one.items.every(whole);
  return items.every(whole) && Object.keys(answersOf(items, given)).length > 0;
}
