/* Takes the pushes of the alerts' ladder: says that an alert waits, nothing else, and opens it on the ward's page. Where it belongs is in its scope. */
const WORDS = {
  ko: ['경보가 기다립니다', '로그인하여 확인하십시오.'],
  en: ['An alert waits', 'Sign in to look at it.'],
};

const ward = () => new URL('ward', self.registration.scope).href;

function read(event) {
  try {
    return event.data.json();
  } catch {
    return {};
  }
}

self.addEventListener('push', (event) => {
  const { alert = '', urgency = '' } = read(event);
  const [title, body] = (self.navigator.language ?? '').startsWith('ko') ? WORDS.ko : WORDS.en;
  event.waitUntil(self.registration.showNotification(title, { body, data: alert, tag: `onmaru-${alert}`, renotify: true, requireInteraction: urgency === 'stat' }));
});

/** A page that another worker or none controls cannot be led anywhere: the alert is then opened beside it. */
async function opened(alert) {
  const target = alert ? `${ward()}?alert=${encodeURIComponent(alert)}` : ward();
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const page = pages.find((one) => one.url.startsWith(ward()));
  const led = page && (await page.navigate(target).catch(() => null));
  return led ? led.focus() : self.clients.openWindow(target);
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(opened(event.notification.data));
});
