import {useState, type ReactNode} from 'react';
import {Button, Form, Input, Label, TextField} from 'react-aria-components';
import {client} from '../api/queries';
import {Problem, keepToken} from '../api/client';
import {t} from '../text';

export function Loading({what = t.state.loading, lines = 3}: {what?: string; lines?: number}) {
  return (
    <div className="loading" role="status">
      <span className="visually-hidden">{what}</span>
      {Array.from({length: lines}, (_, i) => <span key={i} className="loading-line" aria-hidden="true" />)}
    </div>
  );
}

export function Empty({title, children, action}: {title: string; children?: ReactNode; action?: ReactNode}) {
  return (
    <div className="empty">
      <h2 className="empty-title">{title}</h2>
      {children && <div className="empty-text">{children}</div>}
      {action}
    </div>
  );
}

/** What went wrong in the server's words, and what to do about it. */
export function Trouble({error, retry}: {error: unknown; retry?: () => void}) {
  const problem = error instanceof Problem ? error : new Problem(0, 'UNKNOWN', error instanceof Error ? error.message : String(error));
  const [title, todo] =
    problem.code === 'UNREACHABLE' ? [t.state.unreachable, t.state.unreachableDo]
    : problem.code === 'CUT_OFF' ? [t.state.cutOff, t.state.cutOffDo]
    : problem.status === 403 ? [t.state.refused, /NOT_ALLOWED/.test(problem.reason) ? '' : t.state.refusedDo]
    : problem.status === 429 ? [t.state.problem, t.state.busy]
    : problem.status >= 500 ? [t.state.problem, problem.status === 500 ? t.state.internal : '']
    : [t.state.problem, ''];
  return (
    <div className="trouble" role="alert">
      <h2 className="trouble-title">{title}</h2>
      {problem.message && <p className="trouble-message">{problem.message}</p>}
      {todo && <p>{todo}</p>}
      {problem.status >= 500 && problem.requestId && <p className="fine">{t.state.request(problem.requestId)}</p>}
      {retry && <Button className="button" onPress={retry}>{t.state.retry}</Button>}
    </div>
  );
}

/** All pages wait behind it, so nothing else takes what is typed, and nothing typed there is lost. */
export function SignIn({refused}: {refused: boolean}) {
  const [token, setToken] = useState('');
  return (
    <Form
      className="trouble"
      onSubmit={(event) => {
        event.preventDefault();
        keepToken(token.trim());
        void client.resetQueries();
      }}
    >
      <h1 className="trouble-title">{t.state.signIn}</h1>
      {refused && <p className="trouble-message" role="alert">{t.state.signInRefused}</p>}
      <p>{t.state.signInDo}</p>
      <TextField className="field" type="password" autoFocus value={token} onChange={setToken} autoComplete="off">
        <Label>{t.state.token}</Label>
        <Input className="input" />
      </TextField>
      <Button type="submit" className="button button-main" isDisabled={token.trim() === ''}>{t.state.signInButton}</Button>
    </Form>
  );
}
