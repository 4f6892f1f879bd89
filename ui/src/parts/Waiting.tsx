/** Shown only after a moment: a quick answer must not flash a spinner. */
import { Loader } from '@mantine/core';
import { useT } from '../words/words';
import look from './parts.module.css';

export function Waiting() {
  const t = useT();
  return (
    <div className={look.waiting} role="status" data-waiting>
      <Loader size="sm" aria-hidden />
      <span>{t('waiting')}</span>
    </div>
  );
}
