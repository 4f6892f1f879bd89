/** A window over the page (`Dialog`) or at its side (`Panel`): named, closed by Esc, and allowed by the page's policy. */
import { Drawer, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { useT } from '../words/words';
import look from './dialog.module.css';

export interface DialogProps {
  opened: boolean;
  onClose: () => void;
  title: ReactNode;
  /** CSS length or Mantine's `sm`, `md`, `lg`, `xl`. */
  size?: string | number;
  children: ReactNode;
}

// lockScroll writes a <style>, which the page's policy forbids; Mantine's own headers are <header>, a second banner to a screen reader.

export function Dialog({ opened, onClose, title, size = 'md', children }: DialogProps) {
  const t = useT();
  return (
    <Modal.Root opened={opened} onClose={onClose} size={size} lockScroll={false}>
      <Modal.Overlay />
      <Modal.Content>
        <div className={look.head}>
          <Modal.Title className={look.title ?? ''}>{title}</Modal.Title>
          <Modal.CloseButton aria-label={t('close')} />
        </div>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

export function Panel({ opened, onClose, title, size = 'md', side = 'right', children }: DialogProps & { side?: 'left' | 'right' }) {
  const t = useT();
  return (
    <Drawer.Root opened={opened} onClose={onClose} size={size} position={side} lockScroll={false}>
      <Drawer.Overlay />
      <Drawer.Content>
        <div className={look.head}>
          <Drawer.Title className={look.title ?? ''}>{title}</Drawer.Title>
          <Drawer.CloseButton aria-label={t('close')} />
        </div>
        <Drawer.Body>{children}</Drawer.Body>
      </Drawer.Content>
    </Drawer.Root>
  );
}
