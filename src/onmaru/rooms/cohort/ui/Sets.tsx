/** Concept sets: named lists of concepts, found in the loaded vocabulary or typed by their number. */
import { useLoad, useT } from '@shell';
import { Button, Checkbox, CloseButton, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useDeferredValue, useState } from 'react';
import { type Concept, type Definition, put, renamed } from './data';
import look from './cohort.module.css';

interface Known {
  concept_id: number;
  concept_name: string;
  domain_id: string;
  vocabulary_id: string;
  concept_code: string;
}

export function Sets({ said, set }: { said: Definition; set: (said: Definition) => void }) {
  const t = useT();
  const names = Object.keys(said.concepts);
  const lines = (name: string, next: readonly Concept[] | null): void => {
    const rest = Object.entries(said.concepts).filter(([one]) => next !== null || one !== name);
    set({ ...said, concepts: Object.fromEntries(rest.map(([one, old]) => [one, one === name && next ? next : old])) });
  };
  const add = (): void => {
    let n = names.length + 1;
    while (names.includes(t('cohort.sets.new', { n }))) n += 1;
    set({ ...said, concepts: { ...said.concepts, [t('cohort.sets.new', { n })]: [] } });
  };
  return (
    <section className={look.card}>
      <h2 className={look.subtitle}>{t('cohort.sets')}</h2>
      {names.map((name, place) => (
        <SetForm key={place} name={name} taken={names} lines={said.concepts[name] ?? []} rename={(after) => set(renamed(said, name, after))} set={(next) => lines(name, next)} />
      ))}
      <div className={look.row}>
        <Button size="compact-sm" variant="default" leftSection={<IconPlus size={15} />} onClick={add}>{t('cohort.sets.add')}</Button>
      </div>
    </section>
  );
}

interface SetFormProps {
  name: string;
  taken: readonly string[];
  lines: readonly Concept[];
  rename: (name: string) => void;
  set: (lines: readonly Concept[] | null) => void;
}

function SetForm({ name, taken, lines, rename, set }: SetFormProps) {
  const t = useT();
  return (
    <fieldset className={look.event}>
      <legend>{name}</legend>
      <TextInput label={t('cohort.sets.name')} defaultValue={name} maxLength={100} onBlur={(event) => {
        const after = event.currentTarget.value.trim();
        if (after && !taken.includes(after)) rename(after);
      }} />
      {lines.length > 0 && (
        <ul className={look.concepts}>
          {lines.map((line, n) => (
            <li key={line.concept}>
              <span className={look.concept}>{line.name || line.concept} <small className="mono">{line.concept}</small></span>
              <Checkbox size="xs" label={t('cohort.descendants')} checked={line.descendants ?? true} onChange={(event) => set(put(lines, n, { ...line, descendants: event.currentTarget.checked }))} />
              <Checkbox size="xs" label={t('cohort.excluded')} checked={line.excluded ?? false} onChange={(event) => set(put(lines, n, { ...line, excluded: event.currentTarget.checked }))} />
              <CloseButton size="sm" aria-label={t('cohort.remove', { what: line.name || String(line.concept) })} onClick={() => set(put(lines, n, null))} />
            </li>
          ))}
        </ul>
      )}
      <Search taken={lines.map((line) => line.concept)} add={(concept) => set([...lines, concept])} />
      <CloseButton className={look.remove ?? ''} aria-label={t('cohort.remove', { what: name })} onClick={() => set(null)} />
    </fieldset>
  );
}

function Search({ taken, add }: { taken: readonly number[]; add: (concept: Concept) => void }) {
  const t = useT();
  const [said, setSaid] = useState('');
  const q = useDeferredValue(said.trim());
  const found = useLoad<{ concepts: readonly Known[] }>(q.length > 1 ? '/rooms/cohort/concepts' : null, { q });
  const number = /^\d{1,9}$/.test(q) ? Number(q) : 0;
  const known = (found.value?.concepts ?? []).filter((one) => !taken.includes(one.concept_id)).slice(0, 8);
  const take = (concept: number, name: string): void => {
    add({ concept, name });
    setSaid('');
  };
  return (
    <div>
      <TextInput label={t('cohort.search')} description={t('cohort.search.hint')} value={said} autoComplete="off" spellCheck={false} onChange={(event) => setSaid(event.currentTarget.value)} />
      {q.length > 1 && (
        <ul className={look.found} aria-label={t('cohort.search.found')}>
          {known.map((one) => (
            <li key={one.concept_id}>
              <Button variant="subtle" size="compact-sm" onClick={() => take(one.concept_id, one.concept_name)}>
                {one.concept_name} · {one.vocabulary_id} {one.concept_code} · {one.domain_id}
              </Button>
            </li>
          ))}
          {number > 0 && !known.some((one) => one.concept_id === number) && !taken.includes(number) && (
            <li>
              <Button variant="subtle" size="compact-sm" onClick={() => take(number, '')}>{t('cohort.search.number', { n: number })}</Button>
            </li>
          )}
        </ul>
      )}
      {q.length > 1 && found.value?.concepts.length === 0 && number === 0 && <p className={look.quiet} role="status">{t('cohort.search.none')}</p>}
    </div>
  );
}
