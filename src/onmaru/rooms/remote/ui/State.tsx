/** A plan's state as a shape and a word: no state is told by colour alone. */
import { useT } from '@shell';
import { IconAlertTriangle, IconCircleCheck, IconClock, IconClockPause, IconFileAlert, IconMoonStars, IconPhoneOff } from '@tabler/icons-react';
import look from './remote.module.css';

const ICONS: Record<string, typeof IconClock> = {
  unreachable: IconPhoneOff,
  silent: IconMoonStars,
  unreadable: IconFileAlert,
  late: IconAlertTriangle,
  waiting: IconClock,
  receiving: IconCircleCheck,
};

export function State({ state }: { state: string }) {
  const t = useT();
  const Icon = ICONS[state] ?? IconClockPause;
  return (
    <span className={look.state} data-state={state}>
      <Icon size={20} stroke={1.8} aria-hidden="true" /> {t(`remote.state.${state}`)}
    </span>
  );
}
