/** A QR code as lines of an SVG, dark on light in either scheme: cameras read it so. */
import { useMemo } from 'react';
import { qr } from './qr';

const QUIET = 4;

export function QrCode({ text, label, size = 208 }: { text: string; label: string; size?: number }) {
  const { path, side } = useMemo(() => {
    const rows = qr(text);
    const lines = rows.flatMap((row, y) => row.flatMap((on, x) => (on ? [`M${x + QUIET} ${y + QUIET}h1v1h-1z`] : [])));
    return { path: lines.join(''), side: rows.length + 2 * QUIET };
  }, [text]);
  return (
    <svg role="img" aria-label={label} width={size} height={size} viewBox={`0 0 ${side} ${side}`} shapeRendering="crispEdges">
      <rect width={side} height={side} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
