/** Reads a server-sent event stream (WHATWG HTML 9.2.6) piece by piece; a pure state machine over text. */

export interface StreamEvent {
  id: string;
  event: string;
  data: string;
}

/** Returns a function that takes the next text and gives the events completed by it. Comments (heartbeats) give none. */
export function eventReader(): (text: string) => StreamEvent[] {
  let rest = '';
  let id = '';
  let event = '';
  let data: string[] = [];

  const field = (line: string): StreamEvent | null => {
    if (line === '') {
      const whole = data.length ? { id, event: event || 'message', data: data.join('\n') } : null;
      event = '';
      data = [];
      return whole;
    }
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') data.push(value);
    else if (name === 'event') event = value;
    else if (name === 'id' && !value.includes('\0')) id = value;
    return null;
  };

  return (text) => {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    return lines.map(field).filter((one) => one !== null);
  };
}
