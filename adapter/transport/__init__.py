"""Messages of ЕГИСЗ on the wire: envelopes, their signatures, the clients of services, what the services answer.

::

    errors.py      what an answer means: class, advice (errors.yaml)
    ids.py         ids of messages, whatever their spelling
    envelope.py    SOAP 1.1 and 1.2 with the headers of ИПС, written and read
    security.py    WS-Security over a Signer, and its verification
    schema.py      messages by WSDL (zeep)
    remd.py        the client of РЭМД
    callbacks.py   what РЭМД sends to us
    answers.py     our answers to it
    content.py     files and signatures in messages, and their checksums
    configured.py  client and answers as the settings want them
    http.py        the HTTP port

Facts: the service of РЭМД has no public WSDL. Names and their evidence stand in ``wsdl/``, element by element.
"""
