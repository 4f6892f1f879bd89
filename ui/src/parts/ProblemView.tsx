/** What went wrong, in words a ward understands, and what can be done about it. */
import { Button } from '@mantine/core';
import { IconCloudOff, IconError404, IconHourglass, IconLock, IconAlertTriangle } from '@tabler/icons-react';
import { type ReactNode, useContext, useState } from 'react';
import type { Problem, ProblemKind } from '../net/outcome';
import { BreakGlass } from '../session/BreakGlass';
import { SessionContext } from '../session/session';
import { useT } from '../words/words';
import look from './parts.module.css';

const icons: Partial<Record<ProblemKind, typeof IconLock>> = {
  offline: IconCloudOff, forbidden: IconLock, absent: IconError404, busy: IconHourglass,
};

export interface ProblemViewProps {
  problem: Problem;
  retry?: () => void;
  /** The patient whose record was refused: offers break-glass. A record that is closed looks like one that is not there, so
      that its absence tells nothing: both offer it. Give `retry` with it. */
  patient?: string;
  /** The problem is the whole page: its words are the page's heading. */
  whole?: boolean;
  children?: ReactNode;
}

export function ProblemView({ problem, retry, patient, whole, children }: ProblemViewProps) {
  const t = useT();
  const clinician = useContext(SessionContext)?.has(['physician', 'nurse']) ?? false;
  const [glass, setGlass] = useState(false);
  const Icon = icons[problem.kind] ?? IconAlertTriangle;
  const Heading = whole ? 'h1' : 'h2';
  const breakable = patient !== undefined && ['forbidden', 'absent'].includes(problem.kind) && clinician;
  return (
    <div className={look.problem} role="alert">
      <Icon size={36} stroke={1.5} aria-hidden />
      <Heading>{t(`problem.${problem.kind}`)}</Heading>
      <p>{t(`problem.${problem.kind}.text`)}</p>
      {problem.text && problem.kind !== 'absent' && <p className={look.said}>{problem.text}</p>}
      <div className={look.row}>
        {breakable && (
          <Button color="red" variant="light" onClick={() => setGlass(true)}>
            {t('glass.open')}
          </Button>
        )}
        {retry && problem.kind !== 'absent' && (
          <Button variant="default" onClick={retry}>
            {t('retry')}
          </Button>
        )}
        {children}
      </div>
      {breakable && <BreakGlass patient={patient} opened={glass} close={() => setGlass(false)} done={() => retry?.()} />}
    </div>
  );
}
