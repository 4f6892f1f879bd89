/** What a tenant may use; an empty field is no limit. */
import { Button, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { api } from '../../net/client';
import { useAct } from '../../net/useAct';
import { Dialog } from '../../parts/Dialog';
import { ProblemNote } from '../../parts/ProblemNote';
import { useT } from '../../words/words';
import page from '../pages.module.css';
import { type Limit, LIMITS, type Limits } from './tenant';

const GIGABYTE = 1e9;

export function LimitForm({ tenant, limits, close, done }: { tenant: string; limits: Limits; close: () => void; done: () => void }) {
  const t = useT();
  const [draft, setDraft] = useState<Record<Limit, string>>({
    resources: text(limits.resources), blobs: text(limits.blobs / GIGABYTE), rate: text(limits.rate), at_once: text(limits.at_once),
  });
  const { busy, problem, act } = useAct();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const given = Object.fromEntries(LIMITS.map((name) => [name, Math.round(Number(draft[name] || 0) * (name === 'blobs' ? GIGABYTE : 1))]));
    void act(api.patch(`/api/tenants/${encodeURIComponent(tenant)}`, { limits: given }), done);
  };
  return (
    <Dialog opened onClose={close} title={t('tenants.act.limit')}>
      <form className={page.form} onSubmit={submit}>
        {LIMITS.map((name, n) => (
          <TextInput key={name} type="number" min={0} step={name === 'blobs' ? 'any' : 1} max={1e15} label={t(`tenants.limit.${name}`)} description={t(`tenants.limit.${name}.hint`)} value={draft[name]} onChange={({ currentTarget: { value } }) => setDraft((old) => ({ ...old, [name]: value }))} data-autofocus={n === 0 || undefined} />
        ))}
        {problem && <ProblemNote problem={problem} />}
        <Button type="submit" loading={busy}>
          {t('save')}
        </Button>
      </form>
    </Dialog>
  );
}

const text = (value: number): string => (value ? String(value) : '');
