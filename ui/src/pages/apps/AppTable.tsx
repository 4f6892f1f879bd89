/** The apps, one a row. */
import { Button } from '@mantine/core';
import { ScopeWords } from '../../parts/ScopeWords';
import { type Column, Table } from '../../parts/Table';
import tables from '../../parts/table.module.css';
import { useFormat } from '../../words/format';
import { useT } from '../../words/words';
import page from '../pages.module.css';
import { type App, kindOf } from './app';
import type { Doing } from './Apps';

export function AppTable({ apps, act }: { apps: readonly App[]; act: (doing: Doing) => void }) {
  const t = useT();
  const format = useFormat();
  const columns: Column<App>[] = [
    {
      name: t('apps.name'),
      cell: (app) => (
        <>
          {app.client_name} <div className={`${tables.quiet} mono`}>{app.client_id}</div>
        </>
      ),
    },
    { name: t('apps.kind'), cell: (app) => t(`apps.kind.${kindOf(app)}`) },
    { name: t('apps.may'), cell: (app) => <ScopeWords text={app.scope} /> },
    { name: t('apps.where'), cell: (app) => <Where app={app} /> },
    { name: t('apps.since'), kind: 'line', cell: (app) => format.date(new Date(app.client_id_issued_at * 1000).toISOString()) },
    {
      name: t('users.actions'),
      kind: 'acts',
      cell: (app) => (
        <div className={page.buttons}>
          {kindOf(app) !== 'public' && (
            <Button size="compact-sm" variant="default" onClick={() => act({ what: 'renew', app })} aria-label={t('apps.renew.of', { name: app.client_name })}>
              {t('apps.renew')}
            </Button>
          )}
          <Button size="compact-sm" variant="default" onClick={() => act({ what: 'remove', app })} aria-label={t('apps.remove.of', { name: app.client_name })}>
            {t('apps.remove')}
          </Button>
        </div>
      ),
    },
  ];
  return <Table title={t('apps.title')} columns={columns} rows={apps} keyOf={(app) => app.client_id} none={t('apps.none')} />;
}

/** Where people are sent back to, or in whose name a service acts. */
function Where({ app }: { app: App }) {
  const t = useT();
  if (app.user) return t('apps.acts', { user: app.user });
  return (
    <div>
      {(app.redirect_uris ?? []).map((address) => (
        <div key={address} className="mono">
          {address}
        </div>
      ))}
    </div>
  );
}
