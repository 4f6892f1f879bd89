/** The most an app may ask for: one of the usual choices or scopes written by hand, and below it what that means. */
import { NativeSelect, Textarea } from '@mantine/core';
import { useState } from 'react';
import { ScopeWords } from '../../parts/ScopeWords';
import { useT } from '../../words/words';
import { CHOICES } from './app';
import look from './apps.module.css';

type Choice = keyof typeof CHOICES | 'own';

export function ScopeChoice({ scope, backend, change }: { scope: string; backend: boolean; change: (scope: string) => void }) {
  const t = useT();
  const [own, setOwn] = useState(false);
  const offered: readonly Choice[] = backend ? ['system', 'own'] : ['patient', 'user', 'own'];
  const usual = offered.find((choice) => choice !== 'own' && CHOICES[choice] === scope);
  const choice = own ? 'own' : (usual ?? 'own');
  const choose = (next: Choice): void => {
    setOwn(next === 'own');
    if (next !== 'own') change(CHOICES[next]);
  };
  return (
    <>
      <NativeSelect label={t('apps.may')} value={choice} onChange={(event) => choose(event.currentTarget.value as Choice)} data={offered.map((value) => ({ value, label: t(`apps.may.${value}`) }))} />
      {choice === 'own' && <Textarea label={t('apps.scope')} description={t('apps.scope.hint')} value={scope} onChange={(event) => change(event.currentTarget.value)} rows={3} spellCheck={false} classNames={{ input: 'mono' }} />}
      <div className={look.words} aria-live="polite">
        <ScopeWords text={scope} />
      </div>
    </>
  );
}
