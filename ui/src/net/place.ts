/** Which tenant this page is of: `/t/NAME` at the front of the address, or '' for the default tenant. */

export const prefixOf = (path: string): string => /^\/t\/[^/]+/.exec(path)?.[0] ?? '';

export const prefix: string = typeof location === 'undefined' ? '' : prefixOf(location.pathname);
