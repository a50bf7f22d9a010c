import {createContext, useCallback, useContext, useEffect, useId, useMemo, useRef, useState, type ReactNode} from 'react';
import {Tooltip, TooltipTriggerStateContext} from 'react-aria-components';
import type {Evidence, EvidenceKind} from '../api/types';
import {t} from '../text';

// One layer for the whole page says where a number comes from: hundreds of figures each with a
// tooltip of its own would cost more than the table they stand in.

interface Layer {
  show(target: Element, content: ReactNode, after: number): void;
  hide(target: Element, after: number): void;
}
const LayerContext = createContext<Layer>({show: () => undefined, hide: () => undefined});

export function EvidenceLayer({children}: {children: ReactNode}) {
  const [shown, setShown] = useState<{target: Element; content: ReactNode} | null>(null);
  const timer = useRef(0);
  const id = useId();
  const target = useRef<Element | null>(null);

  const close = useCallback(() => {
    window.clearTimeout(timer.current);
    target.current?.removeAttribute('aria-describedby');
    target.current = null;
    setShown(null);
  }, []);

  const layer = useMemo<Layer>(
    () => ({
      show(next, content, after) {
        window.clearTimeout(timer.current);
        timer.current = window.setTimeout(() => {
          target.current?.removeAttribute('aria-describedby');
          target.current = next;
          next.setAttribute('aria-describedby', id);
          setShown({target: next, content});
        }, after);
      },
      hide(from, after) {
        window.clearTimeout(timer.current);
        if (target.current && target.current !== from) return;
        timer.current = window.setTimeout(close, after);
      },
    }),
    [close, id],
  );

  useEffect(() => {
    if (!shown) return undefined;
    const key = (event: KeyboardEvent) => {
      if (event.key === 'Escape') close();
    };
    document.addEventListener('keydown', key);
    return () => document.removeEventListener('keydown', key);
  }, [shown, close]);

  // What React Aria's tooltip asks of its trigger. It stays while the pointer is on it, and goes when
  // what it belongs to is scrolled away; but focus itself scrolls to what it is on.
  const state = useMemo(() => {
    const since = performance.now();
    return {
      isOpen: true,
      shouldSkipAnimation: true,
      open: () => window.clearTimeout(timer.current),
      close: (scrolled?: boolean) => {
        if (!scrolled && shown) layer.hide(shown.target, 120);
        else if (performance.now() - since > 300) close();
      },
    };
  }, [shown, layer, close]);

  return (
    <LayerContext.Provider value={layer}>
      {children}
      {shown && shown.target.isConnected && (
        <TooltipTriggerStateContext.Provider value={state}>
          <Tooltip isOpen triggerRef={{current: shown.target}} placement="top" offset={6} className="evidence-card">
            <div id={id}>{shown.content}</div>
          </Tooltip>
        </TooltipTriggerStateContext.Provider>
      )}
    </LayerContext.Provider>
  );
}

/** Handlers for an element that tells more about itself under the pointer, on focus and on touch. */
export function useTelling(content: ReactNode) {
  const layer = useContext(LayerContext);
  return {
    onPointerEnter: (event: React.PointerEvent) => {
      if (event.pointerType !== 'touch') layer.show(event.currentTarget, content, 90);
    },
    onPointerLeave: (event: React.PointerEvent) => {
      if (event.pointerType !== 'touch') layer.hide(event.currentTarget, 160);
    },
    onFocus: (event: React.FocusEvent) => layer.show(event.currentTarget, content, 0),
    onBlur: (event: React.FocusEvent) => layer.hide(event.currentTarget, 0),
    onClick: (event: React.MouseEvent) => {
      event.stopPropagation();
      layer.show(event.currentTarget, content, 0);
    },
  };
}

/** Measured and predicted differ in shape: a filled disc, a ring around one, an open diamond. */
export function Mark({kind, size = 10}: {kind: EvidenceKind | 'none'; size?: number}) {
  return (
    <svg className={`mark mark-${kind}`} width={size} height={size} viewBox="0 0 10 10" aria-hidden="true">
      {kind === 'predicted' && <path d="M5 .9 9.1 5 5 9.1.9 5Z" fill="none" stroke="currentColor" strokeWidth="1.5" />}
      {kind === 'published' && <circle cx="5" cy="5" r="3.9" fill="currentColor" />}
      {kind === 'measured' && (
        <>
          <circle cx="5" cy="5" r="4.2" fill="none" stroke="currentColor" strokeWidth="1.2" />
          <circle cx="5" cy="5" r="2.3" fill="currentColor" />
        </>
      )}
      {kind === 'none' && <path d="M2 5h6" stroke="currentColor" strokeWidth="1.4" />}
    </svg>
  );
}

export function Kind({kind, children}: {kind: EvidenceKind | 'none'; children?: ReactNode}) {
  return (
    <span className={`kind kind-${kind}`}>
      <Mark kind={kind} />
      {children ?? t.evidence[kind]}
    </span>
  );
}

export function EvidenceText({evidence, lines = []}: {evidence: Evidence | undefined; lines?: (string | undefined)[]}) {
  return (
    <div className="evidence-text">
      {lines.filter(Boolean).map((line) => (
        <p key={line} className="evidence-line">{line}</p>
      ))}
      {evidence && (
        <>
          <p className="evidence-kind"><Kind kind={evidence.kind} /></p>
          {evidence.sentence && <p>{evidence.sentence}</p>}
          {evidence.sourceRef && <p className="evidence-ref">{evidence.sourceRef}</p>}
        </>
      )}
    </div>
  );
}

/** A number that says where it comes from. In a table it is reached by the table's own arrow keys. */
export function Figure({children, evidence, lines, inTable = false, className = ''}: {
  children: ReactNode;
  evidence: Evidence | undefined;
  lines?: (string | undefined)[];
  inTable?: boolean;
  className?: string;
}) {
  const telling = useTelling(<EvidenceText evidence={evidence} lines={lines} />);
  const stop = (event: React.SyntheticEvent) => event.stopPropagation();
  return (
    <button
      type="button"
      className={`figure ${className}`}
      tabIndex={inTable ? -1 : 0}
      data-kind={evidence?.kind}
      {...telling}
      onPointerDown={stop}
      onMouseDown={stop}
      onKeyDown={(event) => {
        if (event.key === 'Enter' || event.key === ' ') stop(event);
      }}
    >
      {evidence?.kind === 'predicted' && <span className="about">≈ </span>}
      {children}
    </button>
  );
}
