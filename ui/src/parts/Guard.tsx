/** Catches a page that fails, so that the frame, and the way to another patient, stay. Shows no detail: it may be a patient's. */
import { Component, type ReactNode } from 'react';
import { useLocation } from 'react-router';
import { ProblemView } from './ProblemView';

class Catch extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    const problem = { kind: 'failed', status: 0, code: '', text: '', issues: [], wait: 0 } as const;
    return <ProblemView whole problem={problem} retry={() => this.setState({ failed: false })} />;
  }
}

export function Guard({ children }: { children: ReactNode }) {
  const { pathname } = useLocation();
  return <Catch key={pathname}>{children}</Catch>;
}
