/** The window's title says which page this is, never whose record it shows: titles stay in the browser's history. */
import { useEffect } from 'react';
import { useT } from '../words/words';

export function useTitle(title: string): void {
  const t = useT();
  useEffect(() => {
    document.title = title ? `${title} · ${t('product')}` : t('product');
  }, [title, t]);
}
