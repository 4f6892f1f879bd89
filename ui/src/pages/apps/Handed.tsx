/** What an app's keeper needs to know: its id, and its secret, which nobody is shown again. */
import { Button } from '@mantine/core';
import { Dialog } from '../../parts/Dialog';
import { Notice } from '../../parts/Notice';
import { Secret } from '../../parts/Secret';
import { useT } from '../../words/words';
import page from '../pages.module.css';

export interface HandedOut {
  name: string;
  id: string;
  /** '' where it needs none. */
  secret: string;
}

export function Handed({ handed, close }: { handed: HandedOut; close: () => void }) {
  const t = useT();
  return (
    <Dialog opened onClose={close} title={handed.name}>
      <div className={page.form}>
        <Notice tone="good" title={t(handed.secret ? 'apps.told.once' : 'apps.told')} />
        <Secret label={t('apps.id')} value={handed.id} />
        {handed.secret && <Secret label={t('apps.secret')} value={handed.secret} />}
        <Button onClick={close} data-autofocus>
          {t('close')}
        </Button>
      </div>
    </Dialog>
  );
}
