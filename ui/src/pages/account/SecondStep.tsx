/** The second step of one's own log-in: whether it is on, and the two ways to change that. */
import { Button } from '@mantine/core';
import { IconShieldCheck, IconShieldOff } from '@tabler/icons-react';
import { useState } from 'react';
import { useLoad } from '../../net/useLoad';
import { Notice } from '../../parts/Notice';
import { ProblemNote } from '../../parts/ProblemNote';
import { Section } from '../../parts/Section';
import { State } from '../../parts/State';
import { useT } from '../../words/words';
import look from './account.module.css';
import { EndStep } from './EndStep';
import { Enrol } from './Enrol';

const FEW = 3; // recovery codes left, at which one is told to make new ones

export function SecondStep() {
  const t = useT();
  const step = useLoad<{ on: boolean; recovery: number }>('/api/second-factor');
  const [doing, setDoing] = useState<'enrol' | 'end' | null>(null);
  const done = (): void => {
    setDoing(null);
    step.reload();
  };
  const { value } = step;
  return (
    <Section
      title={t('account.step')}
      text={t('account.step.text')}
      actions={
        value &&
        (value.on ? (
          <Button variant="default" leftSection={<IconShieldOff size={16} />} onClick={() => setDoing('end')}>
            {t('account.step.end')}
          </Button>
        ) : (
          <Button leftSection={<IconShieldCheck size={16} />} onClick={() => setDoing('enrol')}>
            {t('account.step.begin')}
          </Button>
        ))
      }
    >
      {step.problem && <ProblemNote problem={step.problem} />}
      {value && (
        <p className={look.state}>
          <State family="account.step" code={value.on ? 'on' : 'off'} tone={value.on ? 'good' : 'warn'} />
          {value.on && <span>{t('account.recovery.left', { n: value.recovery })}</span>}
        </p>
      )}
      {value?.on && value.recovery <= FEW && <Notice tone="warn" title={t('account.recovery.few')} />}
      {doing === 'enrol' && <Enrol close={() => setDoing(null)} done={done} />}
      {doing === 'end' && <EndStep close={() => setDoing(null)} done={done} />}
    </Section>
  );
}
