/** Korean or English, kept on this machine. */
import { SegmentedControl } from '@mantine/core';
import type { Language } from '../room';
import { setLanguage, useLanguage, useT } from '../words/words';

export function LanguageSwitch() {
  const language = useLanguage();
  const t = useT();
  return (
    <SegmentedControl
      size="xs"
      aria-label={t('language')}
      value={language}
      onChange={(value) => setLanguage(value as Language)}
      data={[
        { value: 'ko', label: <span lang="ko">한국어</span> },
        { value: 'en', label: <span lang="en">English</span> },
      ]}
    />
  );
}
