import {QueryClientProvider} from '@tanstack/react-query';
import {StrictMode} from 'react';
import {createRoot} from 'react-dom/client';
import {client} from './api/queries';
import {App} from './app';
import {fetchRest} from './parts/later';
import './style/base.css';
import './style/parts.css';
import './style/pages.css';

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
window.addEventListener('load', fetchRest, {once: true});
