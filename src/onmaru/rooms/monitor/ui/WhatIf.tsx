/** Rules under changed limits, tried on the ward's last days before anybody changes them. It says what it does not follow again. */
import { api, Lines, Notice, ProblemNote, useAct, useLoad, useT, useTitle, Waiting } from '@shell';
import { Button, NativeSelect, Switch, TextInput } from '@mantine/core';
import { type FormEvent, useEffect, useState } from 'react';
import type { WardNow } from './data';
import look from './monitor.module.css';
import { Shape } from './Shape';
import { byRule, changes, type Limit, LIMITS, type Rule, sound, type Trial } from './trial';

const DAYS = [1, 3, 7, 14, 31];
const LONG_MS = 600_000;

export default function WhatIf() {
  const t = useT();
  const { value, problem } = useLoad<{ rules: readonly Rule[] }>('/rooms/monitor/rules');
  useTitle(t('monitor.what-if'));
  return (
    <div className={look.page}>
      <h1 className={look.title}>{t('monitor.what-if')}</h1>
      <p className={look.quiet}>{t('monitor.what-if.text')}</p>
      <Notice tone="info" title={t('monitor.what-if.law')} />
      {problem && <ProblemNote problem={problem} />}
      {!value && !problem && <Waiting />}
      {value && <Tried standing={value.rules} />}
    </div>
  );
}

function Tried({ standing }: { standing: readonly Rule[] }) {
  const t = useT();
  const { value: around } = useLoad<WardNow>('/rooms/monitor/ward');
  const [draft, setDraft] = useState<readonly Rule[]>(standing);
  const [ward, setWard] = useState('');
  const [days, setDays] = useState(7);
  const [trial, setTrial] = useState<Trial | null>(null);
  const { busy, problem, act } = useAct();
  const changed = changes(standing, draft);
  // A result belongs to the rules that it was asked for
  useEffect(() => setTrial(null), [draft, ward, days]);
  const set = (name: string, part: Partial<Rule>): void => setDraft((old) => old.map((one) => (one.name === name ? { ...one, ...part } : one)));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void act(api.post<Trial>('/rooms/monitor/what-if', { rules: changed, ward, days }, { limit: LONG_MS }), setTrial);
  };
  return (
    <form className={look.section} onSubmit={submit}>
      <div className={look.rules}>{draft.map((rule) => <OneRule key={rule.name} rule={rule} set={(part) => set(rule.name, part)} />)}</div>
      <div className={look.shift}>
        <NativeSelect label={t('monitor.ward.choose')} value={ward} onChange={(event) => setWard(event.currentTarget.value)} data={[{ value: '', label: t('monitor.ward.all') }, ...(around?.wards ?? []).map((one) => ({ value: one.id, label: one.name }))]} />
        <NativeSelect label={t('monitor.what-if.days')} value={String(days)} onChange={(event) => setDays(Number(event.currentTarget.value))} data={DAYS.map(String)} />
        <Button type="submit" loading={busy} disabled={changed.length === 0}>{t('monitor.what-if.try')}</Button>
        <Button variant="default" disabled={busy || changed.length === 0} onClick={() => setDraft(standing)}>{t('monitor.what-if.reset')}</Button>
      </div>
      <p role="status" className={look.quiet}>{busy ? t('monitor.what-if.running') : t('monitor.what-if.changed', { n: changed.length })}</p>
      {problem && <ProblemNote problem={problem} />}
      {trial && <Result trial={trial} />}
    </form>
  );
}

function OneRule({ rule, set }: { rule: Rule; set: (part: Partial<Rule>) => void }) {
  const t = useT();
  return (
    <fieldset className={look.rule} data-on={rule.on}>
      <legend><Shape urgency={rule.urgency} /> {t(`monitor.rule.${rule.name}`)}{!rule.verified && <small> · {t('monitor.what-if.unverified')}</small>}</legend>
      <Switch label={t('monitor.what-if.on')} checked={rule.on} onChange={(event) => set({ on: event.currentTarget.checked })} />
      {LIMITS.filter((name) => rule[name] !== null).map((name) => (
        <Amount key={name} name={name} value={rule[name] ?? 0} disabled={!rule.on} set={(value) => set({ [name]: value })} />
      ))}
    </fieldset>
  );
}

/** A number as it is typed: only what the server takes changes the rule. */
function Amount({ name, value, disabled, set }: { name: Limit; value: number; disabled: boolean; set: (value: number) => void }) {
  const t = useT();
  const [text, setText] = useState(String(value));
  useEffect(() => setText(String(value)), [value]);
  const write = (next: string): void => {
    setText(next);
    if (sound(name, next)) set(Number(next));
  };
  return <TextInput label={t(`monitor.what-if.${name}`)} value={text} inputMode="numeric" size="sm" disabled={disabled} error={!sound(name, text)} onChange={(event) => write(event.currentTarget.value)} />;
}

function Result({ trial }: { trial: Trial }) {
  const t = useT();
  if (trial.refused) return <Notice tone="warn" title={t('monitor.what-if.costly')} />;
  const { now, then, acted } = trial;
  const share = (one: number | null): string => (one === null ? '–' : String(one));
  const rows = [
    [t('monitor.what-if.alerts'), String(now.alerts), String(then.alerts)],
    [t('monitor.what-if.perPatientDay'), share(now.perPatientDay), share(then.perPatientDay)],
    ...byRule(trial).map(([name, before, after]) => [t(`monitor.rule.${name}`), String(before), String(after)]),
    ...(acted > 0 ? [[t('monitor.what-if.keeps', { n: acted }), String(now.keeps), String(then.keeps)]] : []),
  ];
  return (
    <section className={look.section} data-trial>
      <p className={look.quiet}>{t('monitor.what-if.span', { days: trial.days, patients: trial.patients, versions: trial.versions })}</p>
      {then.keeps < acted && <Notice tone="warn" title={t('monitor.what-if.fewer', { n: acted - then.keeps })} />}
      {acted === 0 && <Notice tone="info" title={t('monitor.what-if.none')} />}
      <Lines title={t('monitor.what-if.result')} heads={['what', 'now', 'then'].map((one) => t(`monitor.what-if.${one}`))} rows={rows} />
    </section>
  );
}
