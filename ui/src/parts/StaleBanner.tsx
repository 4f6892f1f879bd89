/** Says that the page no longer follows the record, and since when: an old value must not pass for a new one. */
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useLiveState } from '../net/useLive';
import { useFormat } from '../words/format';
import { useT } from '../words/words';
import look from './stale.module.css';

export function StaleBanner() {
  const t = useT();
  const format = useFormat();
  const { state, heard } = useLiveState();
  const since = heard ? format.time(new Date(heard).toISOString()) : '';
  return (
    <div role="status" className={look.holder}>
      {state === 'down' && (
        <div className={look.stale}>
          <IconPlugConnectedX size={18} aria-hidden />
          <span>{since ? t('stale.since', { since }) : t('stale')}</span>
        </div>
      )}
    </div>
  );
}
