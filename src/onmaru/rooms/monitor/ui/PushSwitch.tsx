/** Whether this browser takes pushes of alerts while no page is open. Nothing is shown where the site or the browser has none. */
import { address, api, Notice, type Outcome, useLoad, useT } from '@shell';
import { Switch } from '@mantine/core';
import { useState } from 'react';

interface Listed {
  key: string;
  devices: readonly { id: string; name: string; trouble: string }[];
}

const KEPT = 'onmaru.push';
const PATH = '/rooms/monitor/push';
const able = (): boolean => 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window;

export function PushSwitch() {
  const t = useT();
  const { value, reload } = useLoad<Listed>(able() ? PATH : null);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState(false);
  if (!value?.key) return null;
  const mine = value.devices.find((one) => one.id === localStorage.getItem(KEPT));
  const turn = async (on: boolean): Promise<void> => {
    setBusy(true);
    setRefused(!(await (on ? begin(value.key) : end(mine?.id ?? '')).catch(() => false)));
    setBusy(false);
    reload();
  };
  return (
    <>
      <Switch label={t('monitor.push')} checked={mine !== undefined} disabled={busy} onChange={(event) => void turn(event.currentTarget.checked)} />
      {refused && <Notice tone="warn" title={t('monitor.push.refused')} />}
      {mine?.trouble && <Notice tone="warn" title={t('monitor.push.trouble')}>{mine.trouble}</Notice>}
    </>
  );
}

/** Whether this browser takes pushes from now on. */
async function begin(key: string): Promise<boolean> {
  if ((await Notification.requestPermission()) !== 'granted') return false;
  await navigator.serviceWorker.register('/push.js', { scope: address('/') });
  const worker = await navigator.serviceWorker.ready;
  const subscribed = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const { endpoint, keys } = subscribed.toJSON();
  const said = { endpoint, p256dh: keys?.['p256dh'], auth: keys?.['auth'], name: navigator.userAgent.slice(0, 80) };
  const outcome: Outcome<{ id: string }> = await api.post(PATH, said);
  if (outcome.ok) localStorage.setItem(KEPT, outcome.value.id);
  else await subscribed.unsubscribe();
  return outcome.ok;
}

async function end(id: string): Promise<boolean> {
  const worker = await navigator.serviceWorker.getRegistration(address('/'));
  await (await worker?.pushManager.getSubscription())?.unsubscribe();
  localStorage.removeItem(KEPT);
  return (await api.delete(`${PATH}/${id}`)).ok;
}
