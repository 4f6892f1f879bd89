/** One event of a definition: what it is, of which concepts, and what else is asked of it. */
import { useT } from '@shell';
import { Checkbox, CloseButton, NativeSelect, TextInput } from '@mantine/core';
import { type Domain, DOMAINS, type Event, ranged, typed } from './data';
import look from './cohort.module.css';

interface EventFormProps {
  label: string;
  event: Event;
  sets: readonly string[];
  set: (event: Event | null) => void;
  /** The last one cannot be taken out. */
  alone?: boolean;
}

const MEASURED = new Set<Domain>(['measurement', 'observation', 'drug', 'visit', 'condition-era', 'drug-era', 'procedure', 'device']);

export function EventForm({ label, event, sets, set, alone = false }: EventFormProps) {
  const t = useT();
  const part = (more: Partial<Event>): void => set(clean({ ...event, ...more }));
  return (
    <fieldset className={look.event}>
      <legend>{label}</legend>
      <div className={look.fields}>
        <NativeSelect label={t('cohort.domain')} value={event.domain} onChange={(change) => part({ domain: change.currentTarget.value as Domain, value: undefined })} data={DOMAINS.map((one) => ({ value: one, label: t(`cohort.domain.${one}`) }))} />
        <NativeSelect label={t('cohort.set')} value={event.concepts ?? ''} onChange={(change) => part({ concepts: change.currentTarget.value })} data={[{ value: '', label: t('cohort.set.any') }, ...sets.map((one) => ({ value: one, label: one }))]} />
        <Numbered label={t('cohort.age.least')} value={event.age?.least} set={(least) => part({ age: ranged(least, event.age?.most) })} />
        <Numbered label={t('cohort.age.most')} value={event.age?.most} set={(most) => part({ age: ranged(event.age?.least, most) })} />
        {MEASURED.has(event.domain) && <Numbered label={t('cohort.value.least')} value={event.value?.least} set={(least) => part({ value: ranged(least, event.value?.most) })} />}
        {MEASURED.has(event.domain) && <Numbered label={t('cohort.value.most')} value={event.value?.most} set={(most) => part({ value: ranged(event.value?.least, most) })} />}
        {event.domain !== 'death' && <Checkbox className={look.check ?? ''} label={t('cohort.first')} checked={event.first ?? false} onChange={(change) => part({ first: change.currentTarget.checked })} />}
      </div>
      {!alone && <CloseButton className={look.remove ?? ''} aria-label={t('cohort.remove', { what: label })} onClick={() => set(null)} />}
    </fieldset>
  );
}

/** Without what was not said. */
function clean(event: Event): Event {
  const said = Object.entries(event).filter(([, value]) => value !== undefined && value !== '' && value !== false);
  return Object.fromEntries(said) as unknown as Event;
}

/** A number that may be left out; kept as it was typed until it is one. */
export function Numbered({ label, value, set }: { label: string; value: number | undefined; set: (value: number | undefined) => void }) {
  return <TextInput label={label} type="number" value={value ?? ''} onChange={(event) => set(typed(event.currentTarget.value))} className={look.number ?? ''} />;
}
