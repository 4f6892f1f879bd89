/** Whom a plan is for: looked for by name or number, and chosen with birth date and sex in sight. */
import { useFormat, useLoad, useT } from '@shell';
import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import look from './remote.module.css';

interface Person {
  id: string;
  name?: readonly { text?: string; family?: string; given?: readonly string[] }[];
  identifier?: readonly { value?: string }[];
  birthDate?: string;
  gender?: string;
}

interface Found {
  entry?: readonly { resource?: Person }[];
}

const LEAST = 2;

export function Whom({ chosen, choose }: { chosen: string; choose: (patient: string) => void }) {
  const t = useT();
  const format = useFormat();
  const [typed, setTyped] = useState('');
  const [who, setWho] = useState('');
  const wanted = typed.trim();
  const by = /\d/.test(wanted) ? { identifier: wanted } : { name: wanted };
  const { value } = useLoad<Found>(wanted.length >= LEAST && !chosen ? '/fhir/Patient' : null, { ...by, _count: 10 });
  const people = value?.entry?.flatMap((one) => (one.resource ? [one.resource] : [])) ?? [];
  const told = (one: Person): string => {
    const name = one.name?.[0];
    const called = name?.text ?? [...(name?.given ?? []), name?.family ?? ''].join(' ').trim();
    return [called, one.identifier?.[0]?.value, format.date(one.birthDate), format.sex(one.gender)].filter(Boolean).join(' · ');
  };
  if (chosen)
    return (
      <p className={look.why}>
        <strong>{who}</strong> <Button size="compact-sm" variant="default" onClick={() => choose('')}>{t('remote.patient.other')}</Button>
      </p>
    );
  return (
    <div className={look.section}>
      <TextInput label={t('remote.patient')} value={typed} maxLength={64} autoComplete="off" onChange={(event) => setTyped(event.currentTarget.value)} />
      {people.length > 0 && (
        <ul className={look.lines} aria-label={t('remote.patient.found')}>
          {people.map((one) => (
            <li key={one.id}>
              <Button variant="default" onClick={() => { setWho(told(one)); choose(one.id); }}>{told(one)}</Button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
