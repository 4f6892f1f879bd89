/** "Why may I see this?": a button that opens the gate's own decisions about one resource. */
import { Button } from '@mantine/core';
import { IconEyeQuestion } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import { useT } from '../words/words';
import { Panel } from './Dialog';
import { Waiting } from './Waiting';

const Decisions = lazy(() => import('./Decisions'));

/** `resource`: `Type/id`. */
export function Why({ resource }: { resource: string }) {
  const t = useT();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button size="xs" variant="default" leftSection={<IconEyeQuestion size={15} aria-hidden />} onClick={() => setOpen(true)}>
        {t('why.open')}
      </Button>
      <Panel opened={open} onClose={() => setOpen(false)} title={t('why.open')}>
        <Suspense fallback={<Waiting />}>
          <Decisions resource={resource} />
        </Suspense>
      </Panel>
    </>
  );
}
