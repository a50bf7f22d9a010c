import {Button, Disclosure, DisclosurePanel, Heading} from 'react-aria-components';
import {Down} from './icons';

export function Fold({title, children, level = 3}: {title: string; children: React.ReactNode; level?: 2 | 3}) {
  return (
    <Disclosure className="disclosure">
      <Heading level={level}><Button slot="trigger" className="disclosure-button"><Down />{title}</Button></Heading>
      <DisclosurePanel className="disclosure-panel">{children}</DisclosurePanel>
    </Disclosure>
  );
}

