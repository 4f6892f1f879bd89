/** A notice inside a page or form. Its icon and words carry the meaning, the colour only helps. */
import { CloseButton } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconInfoCircle } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useT } from '../words/words';
import look from './notice.module.css';

export interface NoticeProps {
  tone: 'info' | 'good' | 'warn' | 'alert';
  title?: ReactNode;
  children?: ReactNode;
  onClose?: () => void;
}

const icons = { info: IconInfoCircle, good: IconCircleCheck, warn: IconAlertTriangle, alert: IconAlertTriangle };

/** Spoken at once when it appears, if it is an alert; else when the reader pauses. */
export function Notice({ tone, title, children, onClose }: NoticeProps) {
  const t = useT();
  const Icon = icons[tone];
  return (
    <div className={look.notice} data-tone={tone} role={tone === 'alert' ? 'alert' : 'status'}>
      <Icon size={20} stroke={1.8} aria-hidden />
      <div>
        {title && <strong>{title}</strong>}
        {children && <div className={look.text}>{children}</div>}
      </div>
      {onClose && <CloseButton size="sm" aria-label={t('close')} onClick={onClose} />}
    </div>
  );
}
