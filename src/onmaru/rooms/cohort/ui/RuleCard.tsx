/** One rule: its name, whether all or any of it has to be met, events in their window, and what a person is. */
import { useT } from '@shell';
import { Button, CloseButton, NativeSelect, TextInput } from '@mantine/core';
import { type Asked, put, ranged, type Rule } from './data';
import { EventForm, Numbered } from './EventForm';
import look from './cohort.module.css';

interface RuleCardProps {
  rule: Rule;
  place: number;
  sets: readonly string[];
  set: (rule: Rule | null) => void;
}

export function RuleCard({ rule, place, sets, set }: RuleCardProps) {
  const t = useT();
  const part = (more: Partial<Rule>): void => set({ ...rule, ...more });
  const fresh: Asked = { event: { domain: 'drug' }, least: 1, begin: 0, end: 365 };
  return (
    <section className={look.card}>
      <div className={look.cardHead}>
        <h2 className={look.subtitle}>{t('cohort.rule', { n: place + 1 })}</h2>
        <CloseButton aria-label={t('cohort.remove', { what: rule.name || t('cohort.rule', { n: place + 1 }) })} onClick={() => set(null)} />
      </div>
      <div className={look.fields}>
        <TextInput className={look.wide ?? ''} label={t('cohort.rule.name')} value={rule.name} maxLength={200} onChange={(event) => part({ name: event.currentTarget.value })} />
        <NativeSelect label={t('cohort.match')} value={rule.match} onChange={(event) => part({ match: event.currentTarget.value as 'all' })} data={['all', 'any'].map((one) => ({ value: one, label: t(`cohort.match.${one}`) }))} />
      </div>
      {rule.events.map((asked, n) => (
        <AskedForm key={n} asked={asked} place={n} sets={sets} set={(one) => part({ events: put(rule.events, n, one) })} />
      ))}
      {rule.people.map((people, n) => (
        <fieldset className={look.event} key={n}>
          <legend>{t('cohort.person')}</legend>
          <div className={look.fields}>
            <Numbered label={t('cohort.age.least')} value={people.age?.least} set={(least) => part({ people: put(rule.people, n, { ...people, age: ranged(least, people.age?.most) }) })} />
            <Numbered label={t('cohort.age.most')} value={people.age?.most} set={(most) => part({ people: put(rule.people, n, { ...people, age: ranged(people.age?.least, most) }) })} />
            <NativeSelect label={t('cohort.sex')} value={String(people.sex?.[0] ?? '')} onChange={(event) => part({ people: put(rule.people, n, { ...people, sex: event.currentTarget.value ? [Number(event.currentTarget.value)] : [] }) })} data={[{ value: '', label: t('cohort.sex.any') }, { value: '8507', label: t('cohort.sex.male') }, { value: '8532', label: t('cohort.sex.female') }]} />
          </div>
          <CloseButton className={look.remove ?? ''} aria-label={t('cohort.remove', { what: t('cohort.person') })} onClick={() => part({ people: put(rule.people, n, null) })} />
        </fieldset>
      ))}
      <div className={look.row}>
        <Button size="compact-sm" variant="default" onClick={() => part({ events: [...rule.events, fresh] })}>{t('cohort.rule.event')}</Button>
        <Button size="compact-sm" variant="default" onClick={() => part({ people: [...rule.people, {}] })}>{t('cohort.rule.person')}</Button>
      </div>
    </section>
  );
}

function AskedForm({ asked, place, sets, set }: { asked: Asked; place: number; sets: readonly string[]; set: (asked: Asked | null) => void }) {
  const t = useT();
  return (
    <div className={look.asked}>
      <EventForm label={t('cohort.event', { n: place + 1 })} event={asked.event} sets={sets} set={(event) => set(event && { ...asked, event })} />
      <div className={look.fields}>
        <Numbered label={t('cohort.least')} value={asked.least} set={(least) => set({ ...asked, least: least ?? 0 })} />
        <Numbered label={t('cohort.most')} value={asked.most} set={(most) => set(most === undefined ? without(asked) : { ...asked, most })} />
        <Numbered label={t('cohort.begin')} value={asked.begin} set={(begin) => set({ ...asked, begin })} />
        <Numbered label={t('cohort.end')} value={asked.end} set={(end) => set({ ...asked, end })} />
      </div>
    </div>
  );
}

function without({ most: _, ...rest }: Asked): Asked {
  return rest;
}
