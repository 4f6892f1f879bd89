/** A secret that is shown once: chosen whole when it is reached, and copied where the browser lets a page do so. */
import { Button, TextInput } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useState } from 'react';
import { useT } from '../words/words';
import look from './secret.module.css';

export function Secret({ label, value }: { label: string; value: string }) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  // Away from TLS and this machine browsers offer no clipboard: then it is copied by hand
  const clipboard = typeof navigator === 'undefined' ? undefined : (navigator.clipboard as Clipboard | undefined);
  const copy = async (): Promise<void> => {
    await clipboard?.writeText(value);
    setCopied(true);
  };
  return (
    <div className={look.secret}>
      <TextInput className={look.field ?? ''} label={label} value={value} readOnly onFocus={(event) => event.currentTarget.select()} classNames={{ input: 'mono' }} />
      {clipboard && (
        <Button variant="default" leftSection={copied ? <IconCheck size={16} /> : <IconCopy size={16} />} onClick={() => void copy()}>
          {t(copied ? 'copied' : 'copy')}
        </Button>
      )}
    </div>
  );
}
