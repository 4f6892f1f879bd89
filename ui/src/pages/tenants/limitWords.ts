/** The limits that a tenant has, in words. */
import { useFormat } from '../../words/format';
import { useT } from '../../words/words';
import { LIMITS, type Limits } from './tenant';

/** '' for one without any. */
export function useLimitWords(): (limits: Limits) => string {
  const t = useT();
  const format = useFormat();
  return (limits) =>
    LIMITS.filter((name) => limits[name] > 0)
      .map((name) => t(`tenants.limit.${name}.n`, { n: format.number(name === 'blobs' ? Math.round(limits.blobs / 1e9) : limits[name]) }))
      .join(' · ');
}
