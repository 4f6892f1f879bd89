/* Takes the pushes of the alerts' ladder: says that an alert waits, nothing else, and opens the ward. Where it belongs is in its scope. */
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
  event.waitUntil(self.registration.showNotification(title, { body, tag: `onmaru-${alert}`, renotify: true, requireInteraction: urgency === 'stat' }));
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const shown = self.clients.matchAll({ type: 'window', includeUncontrolled: true }).then((pages) => {
    const page = pages.find((one) => one.url.startsWith(ward()));
    return page ? page.focus() : self.clients.openWindow(ward());
  });
  event.waitUntil(shown);
});
