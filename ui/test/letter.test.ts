import { describe, expect, it } from 'vitest';
import { fromEditor, lineEnd, toEditor, visible } from '../src/pages/doors/letter';

describe('a message in the editor', () => {
  it.each(['MSH|a\rPID|b\r', 'MSH|a\r\nPID|b\r\n', '{\n  "a": 1\n}', 'one line', ''])('%j comes back as it was', (text) => {
    expect(fromEditor(toEditor(text), lineEnd(text))).toBe(text);
  });

  it('shows what would hide or reorder its text', () => {
    expect(visible('a\u0000b\u001bc\u202edcba\ufeff')).toBe('a␀b␛c⟨202E⟩dcba⟨FEFF⟩');
    expect(visible('홍길동\tA\n')).toBe('홍길동\tA\n');
  });
});
