/** A part of a page on paper of its own: its heading, what can be done about it, and what it holds. */
import type { ReactNode } from 'react';
import look from './section.module.css';

export interface SectionProps {
  title: string;
  /** A line under the heading that says what this is for. */
  text?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
}

export function Section({ title, text, actions, children }: SectionProps) {
  return (
    <section className={look.section}>
      <header className={look.head}>
        <div className={look.words}>
          <h2 className={look.title}>{title}</h2>
          {text && <p className={look.text}>{text}</p>}
        </div>
        {actions && <div className={look.actions}>{actions}</div>}
      </header>
      {children}
    </section>
  );
}
