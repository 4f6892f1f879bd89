/** A message that could not be taken, as the server tells it. */
import type { Tone } from '../../parts/State';

export interface Letter {
  id: string;
  at: string;
  door: string;
  format: string;
  /** Why it was refused, and where in the message. */
  reason: string;
  where?: string | null;
  state: string;
  /** Bytes. */
  size: number;
}

export const letterTones: Record<string, Tone> = { open: 'warn', replayed: 'good' };

/** HL7 v2 ends segments by CR alone; an editor knows only LF. The message's own line ends come back when it is saved. */
export function lineEnd(text: string): '\r' | '\r\n' | '\n' {
  if (text.includes('\r\n')) return '\r\n';
  return text.includes('\r') && !text.includes('\n') ? '\r' : '\n';
}

export const toEditor = (text: string): string => text.replace(/\r\n?/g, '\n');

export const fromEditor = (text: string, end: '\r' | '\r\n' | '\n'): string => text.replace(/\n/g, end);

/** Control characters and direction marks made visible, so that nothing in a message can hide or reorder another part. */
export function visible(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, (sign) => {
    const code = sign.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : `⟨${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}
